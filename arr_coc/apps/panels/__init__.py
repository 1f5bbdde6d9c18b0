"""The tabs of the microscope, one file each."""
