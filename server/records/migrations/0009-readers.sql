-- A person of the MSP who sees some clients only: vigia.reader = 'on' and vigia.readers = 'ID,ID'. Such a transaction
-- reads the rows of those clients and what belongs to all of them, and writes nothing.
do $$
declare
  each_table text;
begin
  foreach each_table in array array['client', 'device', 'device_layout', 'device_fact', 'incident', 'incident_event',
    'job', 'ticket', 'ticket_event', 'ledger', 'maintenance_window', 'maintenance_schedule', 'silence',
    'client_calendar', 'alert_state', 'suppression', 'hostile_sample', 'presence', 'run_device', 'saved_view', 'secret',
    'remote_session', 'audit']
  loop
    execute format('create policy reader on %I for select
      using (client_id = any (string_to_array(current_setting(''vigia.readers'', true), '','')))', each_table);
  end loop;
  -- Views and secrets of no client are for all; so are silences, by their policy `everyone`.
  foreach each_table in array array['saved_view', 'secret']
  loop
    execute format('create policy reader_of_all on %I for select
      using (client_id is null and current_setting(''vigia.reader'', true) = ''on'')', each_table);
  end loop;
  -- The MSP's own. Scripts and the times of the server can be read by everyone already.
  foreach each_table in array array['article', 'rule_version', 'rule_pack_history', 'trust_root']
  loop
    execute format('create policy reader on %I for select using (current_setting(''vigia.reader'', true) = ''on'')',
      each_table);
  end loop;
end
$$;

-- A run with a device of theirs, of which they see no others; and what has no devices yet and can reach none but theirs.
create policy reader on run for select using (
  current_setting('vigia.reader', true) = 'on'
  and (
    exists (select from run_device where run_device.run_id = run.run_id)
    or (
      cardinality(waves) = 0
      and allowed_clients <@ string_to_array(current_setting('vigia.readers', true), ',')
    )
  )
);
