"""What is said: a Summary, or a Comparison of two, as typed sections that every format draws."""

from reports.view.compared import ComparedScenario, ComparisonView, view_comparison
from reports.view.report import ReportView, ScenarioView, view_report

__all__ = ["ComparedScenario", "ComparisonView", "ReportView", "ScenarioView", "view_comparison", "view_report"]
