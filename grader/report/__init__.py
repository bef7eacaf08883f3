"""One JSON (grade.json, schema corral/grade/v1) and plain converters from it."""
