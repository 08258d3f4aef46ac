"""What people install: archives, pages, completions, packages."""
