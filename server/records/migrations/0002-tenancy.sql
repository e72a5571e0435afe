-- Row-level security, forced, on every table. The server works as vigia_app, which owns nothing (made by
-- migrate.ts, since roles belong to the whole PostgreSQL server). A transaction says whose it is:
-- vigia.operator = 'on' for the MSP itself, vigia.client = ID for one client. Said nothing, it sees nothing.

-- What a lab adds to the policy of its device while it lasts, and the version of the policy that stands.
alter table device add column lab_policy jsonb, add column policy_version bigint not null default 0;

-- A row may point only to rows of its own client.
alter table device add unique (client_id, device_id);
alter table incident add unique (client_id, incident_id);
alter table job add unique (client_id, job_id);
alter table ticket add unique (client_id, ticket_id);

alter table device_layout drop constraint device_layout_device_id_fkey,
  add foreign key (client_id, device_id) references device (client_id, device_id);
alter table device_fact drop constraint device_fact_device_id_fkey,
  add foreign key (client_id, device_id) references device (client_id, device_id);
alter table incident drop constraint incident_device_id_fkey,
  add foreign key (client_id, device_id) references device (client_id, device_id);
alter table incident_event drop constraint incident_event_incident_id_fkey,
  add foreign key (client_id, incident_id) references incident (client_id, incident_id) on delete cascade;
alter table job drop constraint job_device_id_fkey, drop constraint job_incident_id_fkey,
  add foreign key (client_id, device_id) references device (client_id, device_id),
  add foreign key (client_id, incident_id) references incident (client_id, incident_id);
alter table ticket drop constraint ticket_device_id_fkey, drop constraint ticket_incident_id_fkey,
  add foreign key (client_id, device_id) references device (client_id, device_id),
  add foreign key (client_id, incident_id) references incident (client_id, incident_id);
alter table ticket_event drop constraint ticket_event_ticket_id_fkey,
  add foreign key (client_id, ticket_id) references ticket (client_id, ticket_id) on delete cascade;
alter table ledger drop constraint ledger_device_id_fkey, drop constraint ledger_incident_id_fkey,
  drop constraint ledger_job_id_fkey,
  add foreign key (client_id, device_id) references device (client_id, device_id),
  add foreign key (client_id, incident_id) references incident (client_id, incident_id),
  add foreign key (client_id, job_id) references job (client_id, job_id);
alter table maintenance_window drop constraint maintenance_window_device_id_fkey,
  add foreign key (client_id, device_id) references device (client_id, device_id);
alter table presence drop constraint presence_device_id_fkey,
  add foreign key (client_id, device_id) references device (client_id, device_id);

-- One device for one machine of a client; one open stretch of presence for one device.
create unique index device_one_per_machine on device (client_id, machine_id) where machine_id is not null;
create unique index presence_one_open on presence (device_id) where offline_at is null;
create index on maintenance_window (client_id, ends_at);

do $$
declare
  each_table text;
begin
  -- Rows of clients: the operator sees all of them, a client its own.
  foreach each_table in array array['client', 'device', 'device_layout', 'device_fact', 'enrol_token', 'incident',
    'incident_event', 'job', 'ticket', 'ticket_event', 'ledger', 'maintenance_window', 'hostile_sample', 'presence']
  loop
    execute format('create policy tenant on %I using (client_id = current_setting(''vigia.client'', true))
      with check (client_id = current_setting(''vigia.client'', true))', each_table);
  end loop;
  -- The audit log of a client can be read by it, and written by the operator alone, who keeps the chain.
  create policy tenant on audit for select using (client_id = current_setting('vigia.client', true));
  -- Scripts are the MSP's own and no secret: jobs of every client name them.
  create policy tenant on script for select using (true);
  -- person, person_session and setting have no policy for clients: the operator's alone.
  foreach each_table in array array['client', 'device', 'device_layout', 'device_fact', 'enrol_token', 'person',
    'person_session', 'setting', 'script', 'incident', 'incident_event', 'job', 'ticket', 'ticket_event', 'ledger',
    'maintenance_window', 'hostile_sample', 'presence', 'audit']
  loop
    execute format('create policy operator on %I using (current_setting(''vigia.operator'', true) = ''on'')
      with check (current_setting(''vigia.operator'', true) = ''on'')', each_table);
    execute format('alter table %I enable row level security, force row level security', each_table);
    execute format('grant select, insert on %I to vigia_app', each_table);
    if each_table <> 'audit' then
      execute format('grant update, delete on %I to vigia_app', each_table);
    end if;
  end loop;
end
$$;
