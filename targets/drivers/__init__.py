"""The same bank on other drivers, pools and mappers: what services are written with today."""
