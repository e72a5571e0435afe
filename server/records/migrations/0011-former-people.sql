-- Who was removed stays as a name, since the past is told by names: it signs in no more, and nobody else is given it.
alter table person
  add column removed_at timestamptz,
  add column removed_by text,
  add check ((removed_at is null) = (removed_by is null));
