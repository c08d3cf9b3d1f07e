"""The two ways of a record: from a source into the exchange, and from the exchange to a partner."""
