-- The timers of remediation look every second for what is due: they must not read through years of finished work.
create index job_in_hand on job (state)
  where state in ('pending', 'sent', 'running') or (state = 'succeeded' and verify_by is not null);
create index incident_in_hand on incident (state) where state in ('open', 'remediating');
create index ticket_untouched on ticket (incident_id) where state = 'new';
-- Guards count the remedies of the last hour.
create index job_of_remedies on job (created_at) where incident_id is not null;
