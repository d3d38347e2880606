-- Briefings: what the guard of a shift is told and others are not (alarm codes).
--
-- * It is read by those who manage the shift, its client (no drafts), and its guard while the shift is assigned or active and
--   after it is completed. When a guard is released or the shift is cancelled, it leaves their view.
-- * Whose it is, is copied from the shift and follows it. The briefing of a shift that is over does not change.

create or replace function muster.audience_of_shift_briefings(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'client:' || (viewed ->> 'client_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
comment on function muster.audience_of_shift_briefings(jsonb, timestamptz) is 'Who sees a briefing: shift_briefings_read, as groups.';
grant execute on function muster.audience_of_shift_briefings(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.shift_briefings',
  trail => 'b_edit_trail',
  published => array['id', 'company_id', 'client_id', 'shift_id', 'professional_id', 'text', 'created_at',
    'updated_at'],
  audience => array['tenant_id', 'company_id', 'client_id', 'professional_id', 'deleted_at']
);

-- Runs with the rights of whoever writes: a shift that they do not see does not exist, and the policies decide the rest.
create or replace function muster.tg_shift_briefings__copy_shift() returns trigger
language plpgsql
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
begin
  if tg_op = 'INSERT' then
    -- The lock keeps the shift's guard until this is committed: an assignment at this moment would not find the briefing.
    select s.* into shift from public.shifts s where s.id = new.shift_id for share;
  else
    -- Without a lock: whatever changes the shift writes the briefing afterwards, and waits here for this row.
    select s.* into shift from public.shifts s where s.id = new.shift_id;
  end if;
  if not found then
    perform muster.fail('not_found', 'shift_id');
  end if;
  if shift.status in ('completed', 'cancelled', 'no_show')
    and (tg_op = 'INSERT' or new.text is distinct from old.text)
    and muster.acts_for_caller()
  then
    perform muster.fail('invalid_transition', 'instructions');
  end if;
  new.tenant_id := shift.tenant_id;
  new.company_id := shift.company_id;
  new.client_id := case when shift.status <> 'draft' then shift.client_id end;
  new.professional_id := case when shift.status <> 'cancelled' then shift.professional_id end;
  new.deleted_at := shift.deleted_at;
  -- Stored anew: a long text that an update leaves alone is not in the log, and so not in the event by which a guard is
  -- told of the row for the first time.
  new.text := new.text || '';
  return new;
end
$$;
comment on function muster.tg_shift_briefings__copy_shift() is
  'Who may read a briefing follows from its shift; the briefing of a shift that is over does not change.';

create or replace function muster.tg_shifts__follow_briefing() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- The trigger of that table copies what changed.
  update public.shift_briefings b set shift_id = b.shift_id where b.shift_id = new.id;
  return null;
end
$$;
comment on function muster.tg_shifts__follow_briefing() is
  'Who may read the briefing changes with the shift. Security definer: a guard who claims may not write it.';

-- As the caller. Called where a shift is written (`returning …`), so that both are one statement.
create or replace function muster.brief_shift(shift public.shifts, briefing text) returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not muster.manages_shift(shift) then
    perform muster.fail('forbidden', 'instructions');
  end if;
  if briefing is null then
    update public.shift_briefings b set text = null where b.shift_id = shift.id and b.text is not null;
  else
    insert into public.shift_briefings as b (shift_id, text)
    values (shift.id, briefing)
    on conflict (shift_id) do update set text = excluded.text where b.text is distinct from excluded.text;
  end if;
  return briefing;
end
$$;
comment on function muster.brief_shift(public.shifts, text) is
  'Sets, changes or (null) withdraws what the guard of a shift is told; gives the same text.';
grant execute on function muster.brief_shift(public.shifts, text) to authenticated;

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_copy_shift before insert or update on public.shift_briefings
  for each row execute function muster.tg_shift_briefings__copy_shift();
create or replace trigger follow_briefing after update on public.shifts
  for each row when (
    (old.client_id, old.professional_id, old.deleted_at, old.status = 'draft', old.status = 'cancelled')
    is distinct from
    (new.client_id, new.professional_id, new.deleted_at, new.status = 'draft', new.status = 'cancelled')
  )
  execute function muster.tg_shifts__follow_briefing();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists shift_briefings_read on public.shift_briefings;
create policy shift_briefings_read on public.shift_briefings for select to authenticated
  using (
    deleted_at is null
    and (
      company_id = (select muster.company_id())
      or client_id = (select muster.client_id())
      or professional_id = (select muster.professional_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
comment on policy shift_briefings_read on public.shift_briefings is
  'Company and client of the shift (no drafts), its guard, admins. A trigger keeps the columns as the shift has them.';
drop policy if exists shift_briefings_create on public.shift_briefings;
create policy shift_briefings_create on public.shift_briefings for insert to authenticated
  with check (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy shift_briefings_create on public.shift_briefings is 'Those who manage the shift.';
drop policy if exists shift_briefings_edit on public.shift_briefings;
create policy shift_briefings_edit on public.shift_briefings for update to authenticated
  using (
    deleted_at is null
    and (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy shift_briefings_edit on public.shift_briefings is 'Those who manage the shift; only the text is granted.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.shift_briefings to authenticated;
grant insert (id, shift_id, text) on public.shift_briefings to authenticated;
grant update (text) on public.shift_briefings to authenticated;
grant select, insert, update, delete on public.shift_briefings to service_role;
grant select, update on public.shift_briefings to muster_definer;

alter function muster.tg_shifts__follow_briefing() owner to muster_definer;
