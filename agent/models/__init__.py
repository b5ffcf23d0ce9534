"""Who answers: Gemini with as little overhead as possible, or the offline model."""
