-- A technician's own RDP client is one more kind of remote session.
alter table remote_session drop constraint remote_session_kind_check;
alter table remote_session
  add constraint remote_session_kind_check check (kind in ('terminal', 'files', 'screen', 'rdp'));
