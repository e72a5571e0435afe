-- Noise control: one incident for a cause across a device and a site, silences, recurring maintenance, business
-- hours, and the log of what was suppressed and by what.

-- An incident of a whole site stands under one of its devices (device_id), and names all of them in members.
alter table incident
  add column scope text not null default 'device' check (scope in ('device', 'site')),
  add column site text,
  -- Alerts that this incident explains: device, rule, since when, until when.
  add column members jsonb not null default '[]',
  -- It ended because another incident explains it.
  add column merged_into uuid,
  -- Since when it is kept open because its alerts come and go.
  add column flapping_since timestamptz,
  add foreign key (client_id, merged_into) references incident (client_id, incident_id);
create unique index incident_one_per_site on incident (client_id, site) where scope = 'site' and state <> 'resolved';

-- A window may be meant for a site or for the devices with a tag. schedule_id: the recurring window that made it.
alter table maintenance_window add column site text, add column tag text, add column schedule_id uuid;
create unique index maintenance_one_per_occurrence on maintenance_window (schedule_id, starts_at)
  where schedule_id is not null;

create table maintenance_schedule (
  schedule_id uuid primary key,
  client_id text not null references client,
  device_id text,
  site text,
  tag text,
  -- { timeZone, weekdays, weeks, from, minutes }: see contract/noise.ts.
  recurrence jsonb not null,
  reason text not null,
  created_by text not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  foreign key (client_id, device_id) references device (client_id, device_id)
);

create table silence (
  silence_id uuid primary key,
  -- Null: of every client.
  client_id text references client,
  matchers jsonb not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  reason text not null,
  created_by text not null,
  created_at timestamptz not null
);
create index on silence (ends_at);

create table client_calendar (
  client_id text primary key references client,
  calendar jsonb not null,
  changed_at timestamptz not null,
  changed_by text not null
);

-- What noise control knows of each alert that fires, or did in the last hour: see server/noise/judge.ts.
create table alert_state (
  client_id text not null references client,
  device_id text not null,
  fingerprint text not null,
  firing boolean not null,
  alert jsonb not null,
  judged jsonb not null,
  primary key (device_id, fingerprint),
  foreign key (client_id, device_id) references device (client_id, device_id)
);
create index on alert_state (client_id);

-- One row for each episode of a suppression; ended_at is null while it lasts.
create table suppression (
  suppression_id bigint generated always as identity primary key,
  client_id text not null references client,
  device_id text not null,
  rule text not null,
  fingerprint text not null,
  -- 'incident': the alert opened none of its own. 'remedy': the remedy did not run.
  what text not null check (what in ('incident', 'remedy')),
  by_kind text not null,
  by_id text not null,
  why text not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  foreign key (client_id, device_id) references device (client_id, device_id)
);
create unique index suppression_one_per_episode on suppression (device_id, fingerprint, what, by_kind, by_id)
  where ended_at is null;
create index on suppression (client_id, started_at desc);

do $$
declare
  each_table text;
begin
  foreach each_table in array array['maintenance_schedule', 'silence', 'client_calendar', 'alert_state', 'suppression']
  loop
    execute format('create policy tenant on %I using (client_id = current_setting(''vigia.client'', true))
      with check (client_id = current_setting(''vigia.client'', true))', each_table);
    execute format('create policy operator on %I using (current_setting(''vigia.operator'', true) = ''on'')
      with check (current_setting(''vigia.operator'', true) = ''on'')', each_table);
    execute format('alter table %I enable row level security, force row level security', each_table);
    execute format('grant select, insert, update, delete on %I to vigia_app', each_table);
  end loop;
  -- A silence of every client holds for each, and none may change it.
  create policy everyone on silence for select using (client_id is null);
end
$$;
