"""What makes a course: skeletons, mutants, alternates."""
