-- Where content comes from: JSON, core::label::Labels. Items and facts have theirs inside.

ALTER TABLE conversations ADD COLUMN labels TEXT NOT NULL DEFAULT '[]'; -- of all that was ever said in it
ALTER TABLE summaries ADD COLUMN labels TEXT NOT NULL DEFAULT '[]';
ALTER TABLE notes ADD COLUMN labels TEXT NOT NULL DEFAULT '[]';
ALTER TABLE jobs ADD COLUMN labels TEXT NOT NULL DEFAULT '[]';
