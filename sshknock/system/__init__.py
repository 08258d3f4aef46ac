"""What client and server both ask of the operating system: files and processes."""
