"""Analysis of records: when a run memorised, when its measures turned, and when it grokked."""
