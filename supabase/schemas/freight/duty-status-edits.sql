-- Edits of duty statuses: what people say about entries of a log that are wrong, or missing.
--
-- * An edit says of an entry that it was `another` status or time, that it is `void`, or that one is to be `added`. The entries stay as
--   they were recorded (49 CFR 395.30).
-- * The driver proposes and the carrier decides, or the office or a dispatcher proposes and the driver decides. It counts once both have
--   agreed. Nobody decides on a proposal of their own, nor of their own side: one who drives and dispatches is the driver of their log.
-- * Of several accepted edits of one entry the last decision counts. A decided edit never changes again.
-- * Of one entry there is one open proposal; of a log there are 100.
-- * Whoever writes edits locks the driver first, as whoever writes the log.

create or replace function muster.audience_of_duty_status_edits(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'carrier:' || (viewed ->> 'organization_id'),
    'driver:' || (viewed ->> 'driver_id')
  ];
end
$$;
comment on function muster.audience_of_duty_status_edits(jsonb, timestamptz) is
  'Who sees an edit of a log: duty_status_edits_read, as groups.';
grant execute on function muster.audience_of_duty_status_edits(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.duty_status_edits',
  published => array['id', 'organization_id', 'driver_id', 'entry_id', 'kind', 'status', 'began_at', 'reason', 'proposed_by',
    'proposed_as', 'state', 'decided_by', 'decided_at', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'organization_id', 'driver_id']
);

create or replace function muster.duty_edit_json(edit public.duty_status_edits) returns jsonb
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'id', edit.id,
  'organization_id', edit.organization_id,
  'driver_id', edit.driver_id,
  'entry_id', edit.entry_id,
  'kind', edit.kind,
  'status', edit.status,
  'began_at', edit.began_at,
  'reason', edit.reason,
  'proposed_by', edit.proposed_by,
  'proposed_as', edit.proposed_as,
  'state', edit.state,
  'decided_by', edit.decided_by,
  'decided_at', edit.decided_at,
  'created_at', edit.created_at,
  'updated_at', edit.updated_at
);
comment on function muster.duty_edit_json(public.duty_status_edits) is 'An edit of a log in the form of the API.';

create or replace function muster.side_of_log(driver uuid, carrier uuid, tenant uuid) returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when driver = muster.driver_id() then 'driver'
    when carrier = muster.carrier_id() then 'carrier'
    when tenant = muster.admin_tenant_id() then 'admin'
  end;
end
$$;
comment on function muster.side_of_log(uuid, uuid, uuid) is 'As whom the caller sees the log of a driver; null for those who do not.';

create or replace function muster.propose_duty_edit(
  of_driver uuid, kind_of text, of_entry uuid, becomes text, becomes_at timestamptz, why text
) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  side text;
  edit public.duty_status_edits;
begin
  select muster.side_of_log(d.id, d.organization_id, d.tenant_id) into side
  from public.drivers d
  where d.id = of_driver and d.deleted_at is null;
  if side is null then
    perform muster.fail('not_found', 'id');
  elsif side = 'admin' then
    perform muster.fail('forbidden');
  end if;
  -- The trigger finds out what the entry is, and whose.
  insert into public.duty_status_edits as e (driver_id, entry_id, kind, status, began_at, reason, proposed_by, proposed_as)
  values (of_driver, of_entry, kind_of, becomes, becomes_at, why, muster.user_id(), side)
  returning e.* into edit;
  return muster.duty_edit_json(edit);
end
$$;
comment on function muster.propose_duty_edit(uuid, text, uuid, text, timestamptz, text) is
  'An edit of a log, proposed by the caller''s side. Security definer: nobody may say whose an edit is.';

create or replace function muster.decide_duty_edit(wanted uuid, verdict text) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  edit public.duty_status_edits;
  side text;
begin
  perform muster.require_read_committed();
  select e.* into edit from public.duty_status_edits e where e.id = wanted;
  side := muster.side_of_log(edit.driver_id, edit.organization_id, edit.tenant_id);
  if side is null then
    perform muster.fail('not_found', 'id');
  end if;
  perform from public.drivers d where d.id = edit.driver_id for no key update;
  -- Somebody of the same side may have decided meanwhile.
  select e.* into edit from public.duty_status_edits e where e.id = wanted;
  if edit.state <> 'proposed' then
    perform muster.fail('duty_edit_decided', 'state');
  elsif side = 'admin' or side = edit.proposed_as or edit.proposed_by = muster.user_id() then
    perform muster.fail('forbidden', 'state');
  end if;
  update public.duty_status_edits e
  set state = verdict, decided_by = muster.user_id(), decided_at = clock_timestamp()
  where e.id = wanted
  returning e.* into edit;
  return muster.duty_edit_json(edit);
end
$$;
comment on function muster.decide_duty_edit(uuid, text) is
  'The side that did not propose it accepts or refuses an edit of a log. Security definer: no caller writes edits.';

create or replace function muster.tg_duty_status_edits__check() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A person reads each of them.
  most_open constant integer := 100;
begin
  perform muster.require_read_committed();
  select d.tenant_id, d.organization_id into new.tenant_id, new.organization_id
  from public.drivers d
  where d.id = new.driver_id
  for no key update;
  if not found then
    perform muster.fail('not_found', 'driver_id');
  end if;
  if new.kind = 'added' then
    new.entry_id := new.id;
  else
    select c.id into new.change_id
    from public.duty_status_changes c
    where c.id = new.entry_id and c.driver_id = new.driver_id;
    if not found then
      select e.id into new.edit_id
      from public.duty_status_edits e
      where e.id = new.entry_id and e.driver_id = new.driver_id and e.kind = 'added' and e.state = 'accepted';
      if not found then
        perform muster.fail('not_found', 'entry_id');
      end if;
    end if;
    if exists (select from public.duty_status_edits e where e.entry_id = new.entry_id and e.state = 'proposed') then
      perform muster.fail('duty_edit_open', 'entry_id');
    end if;
  end if;
  if muster.is_recorded_in_future(new.began_at) then
    perform muster.fail('duty_in_future', 'began_at');
  end if;
  if new.state = 'proposed'
    and most_open <= (
      select count(*) from public.duty_status_edits e where e.driver_id = new.driver_id and e.state = 'proposed'
    )
  then
    perform muster.fail('too_many_duty_edits', 'driver_id');
  end if;
  return new;
end
$$;
comment on function muster.tg_duty_status_edits__check() is
  'Fills in what an edit is about, and refuses what cannot be edited. Security definer: it locks the driver and reads the log.';

create or replace function muster.tg_duty_status_edits__keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.state <> 'proposed' or (
    (to_jsonb(new) - '{state,decided_by,decided_at,updated_at}'::text[])
    <> (to_jsonb(old) - '{state,decided_by,decided_at,updated_at}'::text[])
  ) then
    perform muster.fail('duty_edit_decided', 'state');
  end if;
  return new;
end
$$;
comment on function muster.tg_duty_status_edits__keep() is 'Edits are appended: a proposal is decided on, once, and nothing else changes.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_check before insert on public.duty_status_edits
  for each row execute function muster.tg_duty_status_edits__check();
create or replace trigger a_keep before update on public.duty_status_edits
  for each row execute function muster.tg_duty_status_edits__keep();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists duty_status_edits_read on public.duty_status_edits;
create policy duty_status_edits_read on public.duty_status_edits for select to authenticated
  using (
    organization_id = (select muster.carrier_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy duty_status_edits_read on public.duty_status_edits is
  'Office and dispatchers those of their carrier; drivers their own; admins. Nobody writes: functions say who may propose and decide.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.duty_status_edits to authenticated;
grant select, insert, update, delete on public.duty_status_edits to service_role;
grant select, insert, update on public.duty_status_edits to muster_definer;

grant execute on function muster.duty_edit_json(public.duty_status_edits), muster.side_of_log(uuid, uuid, uuid) to muster_definer;
-- The API calls them in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function
  muster.propose_duty_edit(uuid, text, uuid, text, timestamptz, text),
  muster.decide_duty_edit(uuid, text)
to authenticated, muster_api;

alter function muster.propose_duty_edit(uuid, text, uuid, text, timestamptz, text) owner to muster_definer;
alter function muster.decide_duty_edit(uuid, text) owner to muster_definer;
alter function muster.tg_duty_status_edits__check() owner to muster_definer;
