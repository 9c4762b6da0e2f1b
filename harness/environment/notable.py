"""Settings of PostgreSQL that bear on what is measured; a run records them."""

from __future__ import annotations

NOTABLE_SETTINGS = (
    "max_connections",
    "superuser_reserved_connections",
    "reserved_connections",
    "shared_buffers",
    "effective_cache_size",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "commit_delay",
    "autovacuum",
    "wal_level",
    "max_wal_size",
    "checkpoint_timeout",
    "work_mem",
    "max_parallel_workers_per_gather",
    "random_page_cost",
    "jit",
    "io_method",
    "default_transaction_isolation",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "tcp_keepalives_idle",
    "tcp_user_timeout",
    "client_connection_check_interval",
    "log_statement",
    "log_min_duration_statement",
    "log_connections",
    "password_encryption",  # how dear a login is
    "scram_iterations",
    "ssl",
    "shared_preload_libraries",
)
