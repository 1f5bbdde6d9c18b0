"""Families of models that can be hosts: a file each, found by the registry."""
