"""Questions about many pictures, answered by processes here or on a Ray cluster; a killed run loses no row."""
