"""The baseline on file: what runs are held to, and what is accepted for a while. Pure but for `file`."""
