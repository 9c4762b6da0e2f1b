"""The failure catalogue, measured: was each failure brought out, was it named, and was its cure left unnamed?"""

from reports.catalogue.matrix import CatalogueReport, RowResult, read_catalogue

__all__ = ["CatalogueReport", "RowResult", "read_catalogue"]
