"""Anyone's app as a subject: how it is told what it needs, what fills its database, and what is asked of it."""
