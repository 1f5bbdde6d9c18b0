"""Files that are whole or not there, folders that one run at a time may use, and what the system says in one line."""
