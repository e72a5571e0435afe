-- When the server itself was there to watch: what happened in between nobody knows, and no device is blamed for it.
create table server_run (
  run_id bigint generated always as identity primary key,
  started_at timestamptz not null,
  -- Moved on every few seconds; after a crash it says when the server was alive last.
  alive_at timestamptz not null
);
create policy operator on server_run using (current_setting('vigia.operator', true) = 'on')
  with check (current_setting('vigia.operator', true) = 'on');
-- A client's report needs to know when it was watched; the rows hold nothing else.
create policy tenant on server_run for select using (true);
alter table server_run enable row level security, force row level security;
grant select, insert, update on server_run to vigia_app;
