"""Any picture from any source, upright and checked: the one loader of every entrance."""
