-- Output is searched as it is read: without the sequences that colour it or move the cursor (ECMA-48: CSI, OSC, others).
-- A restore takes the tables away and not the function.
create or replace function plain_output(output text) returns text
language sql immutable strict parallel safe
return regexp_replace(
  output,
  E'\x1b(\\[[0-9:;<=>?]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)?|[ -/]*[0-~])',
  '',
  'g'
);

alter table job drop column words;
alter table job
  add column words tsvector generated always as
    (to_tsvector('simple', left(plain_output(stdout), 200000) || ' ' || left(plain_output(stderr), 100000)))
    stored not null;
create index job_words on job using gin (words);
