"""What charts look like, for `reports.charts.templates`. Needs Altair, so nothing else imports it."""
