"""Pictures and records of a result for people and scripts: result.json, preview.png, report.html."""
