"""What `poolstorm init` learns about a project by reading it, without running any of it, and the plan it writes.

`folder` reads, within bounds; all the rest is pure: texts by path -> what was found -> the text of a plan file.
"""
