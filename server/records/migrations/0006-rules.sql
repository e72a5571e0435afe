-- Rules as they were: each version that was ever in force, so that an incident can be replayed with the one that
-- opened it; and each text of a pack of this installation, with who changed it. They belong to the MSP, not to a client.
create table rule_version (
  name text not null,
  -- First 12 hexadecimal digits of SHA-256 over the rule's content.
  version text not null,
  pack text not null,
  spec jsonb not null,
  first_seen timestamptz not null,
  primary key (name, version)
);
create table rule_pack_history (
  history_id bigint generated always as identity primary key,
  pack text not null,
  at timestamptz not null,
  who text not null,
  -- `found`: somebody changed the file itself.
  action text not null check (action in ('saved', 'removed', 'found')),
  note text not null,
  -- The whole text; null where the pack was taken away.
  body text,
  check ((action = 'removed') = (body is null))
);
create index on rule_pack_history (pack, history_id desc);

do $$
declare
  each_table text;
begin
  foreach each_table in array array['rule_version', 'rule_pack_history']
  loop
    execute format('create policy operator on %I using (current_setting(''vigia.operator'', true) = ''on'')
      with check (current_setting(''vigia.operator'', true) = ''on'')', each_table);
    execute format('alter table %I enable row level security, force row level security', each_table);
    execute format('grant select, insert on %I to vigia_app', each_table);
  end loop;
end
$$;
