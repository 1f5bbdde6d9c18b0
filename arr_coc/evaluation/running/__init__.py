"""Every (policy, budget, question) once, resumable."""
