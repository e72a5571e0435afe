-- Remote work: runs over many devices, transcripts, secrets, knowledge, second factors, trust roots, remote sessions.

-- A second factor (TOTP, RFC 6238): its secret encrypted with the key of secrets, what was used last so that no code
-- counts twice, and recovery codes as hashes. clients: for whose devices the person may run code; null: all.
alter table person
  add column totp_secret bytea,
  add column totp_last_step bigint,
  add column recovery_hashes text[] not null default '{}',
  add column clients text[];
-- A secret that is being set up belongs to the session that showed the password, and so does a challenge to a passkey.
alter table person_session
  add column proven_until timestamptz,
  add column totp_pending bytea,
  add column passkey_challenge jsonb;

-- Passkeys (WebAuthn) of a person; relying_party is the name of the server under which it was made, and works only there.
create table person_passkey (
  credential_id text primary key,
  person_id uuid not null references person on delete cascade,
  relying_party text not null,
  name text not null,
  public_key bytea not null,
  sign_count bigint not null,
  transports text[] not null,
  created_at timestamptz not null,
  used_at timestamptz
);
create index on person_passkey (person_id);

-- The trust roots after the first, as they were signed; devices are handed those that they lack.
create table trust_root (
  version integer primary key,
  envelope jsonb not null,
  applied_at timestamptz not null,
  applied_by text not null
);

-- How a row is hashed: 2 binds the id of the row before as well.
alter table audit add column format smallint not null default 1;

-- The root that the device said it has pinned.
alter table device add column trust_version integer;

create table saved_view (
  view_id uuid primary key,
  name text not null,
  client_id text references client,
  selector text not null,
  shared boolean not null,
  owner text not null,
  unique (owner, name)
);

create table run (
  run_id uuid primary key,
  script_digest text not null references script,
  request jsonb not null,
  -- The run with the schedule that made this one.
  schedule_id uuid references run,
  state text not null check (state in ('scheduled', 'running', 'stopped', 'cancelled', 'done')),
  why text,
  ordered_by text not null,
  -- The clients that the person who ordered it may reach; null: all. A schedule keeps to them.
  allowed_clients text[],
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  next_at timestamptz,
  wave integer not null default 0,
  -- Devices that each wave reaches in all, and when each wave began that has.
  waves integer[] not null default '{}',
  wave_started_at timestamptz[] not null default '{}'
);
create index on run (created_at desc);
create index on run (next_at) where state = 'scheduled';
create index on run (state) where state = 'running';
create index on run (schedule_id) where schedule_id is not null;

-- The devices of a run, each with its wave; its job when the wave has begun.
create table run_device (
  run_id uuid not null references run on delete cascade,
  client_id text not null references client,
  device_id text not null,
  wave integer not null,
  place integer not null,
  job_id uuid references job,
  -- An error code where it was left out when its turn came.
  left_out text,
  primary key (run_id, device_id),
  foreign key (client_id, device_id) references device (client_id, device_id)
);
create index on run_device (run_id, wave, place) where job_id is null and left_out is null;
create index on run_device (job_id);

alter table job
  add column run_id uuid references run,
  add column ticket_id uuid references ticket,
  add column wave integer,
  add column attempt integer not null default 1,
  add column dry_run boolean not null default false,
  add column stdout_bytes bigint not null default 0,
  add column stderr_bytes bigint not null default 0,
  -- Both streams in order: pieces of contract/command.ts.
  add column transcript jsonb not null default '[]',
  -- Words of the output, to find a job by; at most so much that tsvector takes it.
  add column words tsvector generated always as
    (to_tsvector('simple', left(stdout, 200000) || ' ' || left(stderr, 100000))) stored not null;
create index job_words on job using gin (words);
create index on job (run_id) where run_id is not null;
create index on job (created_at desc);

-- Encrypted with DATA/keys/secrets.key (AES-256-GCM): nonce, ciphertext and tag.
create table secret (
  secret_id uuid primary key,
  name text not null,
  client_id text references client,
  sealed bytea not null,
  changed_at timestamptz not null,
  changed_by text not null,
  unique nulls not distinct (name, client_id)
);

-- Articles of this installation; those that ship are files.
create table article (
  slug text primary key,
  title jsonb not null,
  body jsonb not null,
  rules text[] not null,
  remedy jsonb,
  changed_at timestamptz not null,
  changed_by text not null
);

create table remote_session (
  session_id uuid primary key,
  client_id text not null references client,
  device_id text not null,
  kind text not null check (kind in ('terminal', 'files', 'screen')),
  control boolean not null,
  technician text not null,
  keyid text not null,
  reason text not null,
  -- The signed request, as proof of who asked for what.
  request jsonb not null,
  state text not null check (state in ('requested', 'asking', 'open', 'refused', 'closed')),
  why text,
  requested_at timestamptz not null,
  opened_at timestamptz,
  closed_at timestamptz,
  bytes_in bigint not null default 0,
  bytes_out bigint not null default 0,
  -- Name of the recording's file in DATA/recordings, and the SHA-256 of it at the end.
  recording text,
  recording_sha256 text,
  foreign key (client_id, device_id) references device (client_id, device_id)
);
create index on remote_session (requested_at desc);
create index on remote_session (device_id, requested_at desc);

do $$
declare
  each_table text;
begin
  foreach each_table in array array['run_device', 'remote_session', 'secret', 'saved_view']
  loop
    execute format('create policy tenant on %I using (client_id = current_setting(''vigia.client'', true))
      with check (client_id = current_setting(''vigia.client'', true))', each_table);
  end loop;
  foreach each_table in array array['trust_root', 'person_passkey', 'saved_view', 'run', 'run_device', 'secret', 'article', 'remote_session']
  loop
    execute format('create policy operator on %I using (current_setting(''vigia.operator'', true) = ''on'')
      with check (current_setting(''vigia.operator'', true) = ''on'')', each_table);
    execute format('alter table %I enable row level security, force row level security', each_table);
    execute format('grant select, insert, update, delete on %I to vigia_app', each_table);
  end loop;
end
$$;
