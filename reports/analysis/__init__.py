"""What can be made of recorded trials, one question a file: pure. `reports.analyse` puts it together."""
