-- The records of the spine. Every table with client_id is forced under row-level security by 0002-tenancy.sql.
create table client (
  client_id text primary key check (client_id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  name text not null,
  language text not null default 'en',
  created_at timestamptz not null
);

create table device (
  device_id text primary key,
  client_id text not null references client,
  site text,
  hostname text not null,
  os text not null,
  os_name text not null default '',
  arch text not null,
  tags text[] not null default '{}',
  agent_version text not null default '',
  machine_id text,
  certificate_serial text not null,
  certificate_expires_at timestamptz not null,
  policy jsonb not null default '{}',
  -- Counts up by one for every order; the agent refuses what it has passed.
  command_sequence bigint not null default 0,
  boot_time timestamptz,
  last_seen timestamptz,
  lab_until timestamptz,
  lab_reason text,
  enrolled_at timestamptz not null,
  revoked_at timestamptz
);
create index on device (client_id);

create table device_layout (
  client_id text not null references client,
  device_id text not null references device,
  hash text not null,
  layout jsonb not null,
  seen_at timestamptz not null,
  primary key (device_id, hash)
);

create table device_fact (
  client_id text not null references client,
  device_id text not null references device,
  kind text not null,
  at timestamptz not null,
  document jsonb not null,
  primary key (device_id, kind)
);

create table enrol_token (
  token_id text primary key,
  client_id text not null references client,
  site text,
  secret_hash text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  used_by text
);

-- People and their sessions belong to the MSP, not to one client.
create table person (
  person_id uuid primary key,
  name text not null unique,
  password_hash text not null,
  role text not null check (role in ('owner', 'technician', 'viewer')),
  created_at timestamptz not null
);
create table person_session (
  token_hash text primary key,
  person_id uuid not null references person on delete cascade,
  created_at timestamptz not null,
  expires_at timestamptz not null
);

-- Single values of the installation: set-up token, state of the rules, counters.
create table setting (name text primary key, value jsonb not null, changed_at timestamptz not null);

create table script (
  digest text primary key,
  name text not null,
  version integer not null,
  content jsonb not null,
  envelope jsonb not null,
  approved_by text[] not null,
  approved_at timestamptz not null,
  unique (name, version, digest)
);

create table incident (
  incident_id uuid primary key,
  client_id text not null references client,
  device_id text not null references device,
  rule text not null,
  rule_version text not null,
  title jsonb not null,
  cause text not null,
  metric text not null,
  labels jsonb not null,
  -- The alerts that are firing for this cause; the incident resolves when the last one does.
  fingerprints text[] not null,
  severity text not null,
  impact text not null,
  tier text not null,
  priority text not null,
  state text not null,
  opened_at timestamptz not null,
  resolved_at timestamptz,
  resolved_by text,
  evidence jsonb not null,
  runbook text not null,
  remedy jsonb
);
create unique index incident_one_per_cause on incident (device_id, cause) where state <> 'resolved';
create index on incident (client_id, opened_at desc);

create table incident_event (
  event_id bigint generated always as identity primary key,
  client_id text not null references client,
  incident_id uuid not null references incident on delete cascade,
  at timestamptz not null,
  kind text not null,
  detail jsonb not null
);
create index on incident_event (incident_id, event_id);

create table job (
  job_id uuid primary key,
  client_id text not null references client,
  device_id text not null references device,
  incident_id uuid references incident,
  script_digest text not null references script,
  parameters jsonb not null,
  state text not null,
  reason text,
  ordered_by text not null,
  sequence bigint,
  created_at timestamptz not null,
  sent_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  expires_at timestamptz not null,
  verify_by timestamptz,
  exit_code integer,
  stdout text not null default '',
  stderr text not null default '',
  fields jsonb not null default '{}'
);
create index on job (device_id, created_at desc);
create index on job (incident_id);

create table ticket (
  ticket_id uuid primary key,
  number bigint generated always as identity (start with 1001) unique,
  client_id text not null references client,
  device_id text references device,
  incident_id uuid references incident,
  title jsonb not null,
  body jsonb not null,
  tier text not null,
  priority text not null,
  state text not null,
  assignee text,
  opened_at timestamptz not null,
  due_at timestamptz not null,
  responded_at timestamptz,
  resolved_at timestamptz,
  closed_at timestamptz
);
create unique index ticket_one_per_incident on ticket (incident_id) where state in ('new', 'in-progress');
create index on ticket (client_id, opened_at desc);

create table ticket_event (
  event_id bigint generated always as identity primary key,
  client_id text not null references client,
  ticket_id uuid not null references ticket on delete cascade,
  at timestamptz not null,
  who text not null,
  kind text not null,
  text text not null
);
create index on ticket_event (ticket_id, event_id);

create table ledger (
  ledger_id uuid primary key,
  client_id text not null references client,
  device_id text not null references device,
  incident_id uuid not null unique references incident,
  job_id uuid not null references job,
  rule text not null,
  title jsonb not null,
  remedy text not null,
  at timestamptz not null,
  detected_at timestamptz not null,
  forecast_at timestamptz,
  unit text not null,
  before double precision,
  after double precision,
  took_ms bigint not null
);
create index on ledger (client_id, at desc);

create table maintenance_window (
  window_id uuid primary key,
  client_id text not null references client,
  device_id text references device,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  reason text not null,
  created_by text not null
);

create table hostile_sample (
  sample_id bigint generated always as identity primary key,
  client_id text references client,
  device_id text,
  at timestamptz not null,
  reason text not null,
  topic text not null,
  bytes integer not null,
  head bytea not null
);

-- When a device was seen and when not, for availability: one row for each stretch online.
create table presence (
  presence_id bigint generated always as identity primary key,
  client_id text not null references client,
  device_id text not null references device,
  online_at timestamptz not null,
  offline_at timestamptz
);
create index on presence (device_id, online_at);

-- Append-only and hash-chained: hash = SHA-256(previous hash, canonical text of the row).
create table audit (
  audit_id bigint generated always as identity primary key,
  at timestamptz not null,
  who text not null,
  action text not null,
  client_id text,
  subject text not null,
  detail jsonb not null,
  previous_hash text not null,
  hash text not null unique
);
