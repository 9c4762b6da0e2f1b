"""One failure of connection pools a file: `broken` and `cured` make apps that differ in the cure only.

They know nothing of poolstorm: each reads `DATABASE_URL`, and `uvicorn --factory` runs it. `tables` fills their
database.
"""
