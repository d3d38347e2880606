-- Shift channels: `shift:<id>` is the private channel of an active shift. Its professional sends, and those who see the shift
-- listen.
--
-- * The gateway remembers for a while who may; when a shift stops being active, it is told to ask again at once.

create or replace function muster.channel_shift_id() returns uuid
language sql
stable
set search_path = pg_catalog, pg_temp
return case
  when realtime.topic() ~ '^shift:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    then substr(realtime.topic(), length('shift:') + 1)::uuid
end;
comment on function muster.channel_shift_id() is 'The shift of the private channel shift:<id>; null for every other channel.';

do $$
begin
  drop policy if exists shift_channel_listen on realtime.messages;
  create policy shift_channel_listen on realtime.messages for select to authenticated
    using (
      topic = (select realtime.topic())
      and extension in ('broadcast', 'presence')
      -- As the caller: whose policies show the shift hears of it.
      and exists (
        select from public.shifts s where s.id = (select muster.channel_shift_id()) and s.status = 'active'
      )
    );
  comment on policy shift_channel_listen on realtime.messages is
    'While a shift is active, those who see it: its professional, company, client and admins.';
  drop policy if exists shift_channel_send on realtime.messages;
  create policy shift_channel_send on realtime.messages for insert to authenticated
    with check (
      topic = (select realtime.topic())
      and extension in ('broadcast', 'presence')
      and exists (
        select from public.shifts s
        where s.id = (select muster.channel_shift_id())
          and s.status = 'active'
          and s.professional_id = (select muster.professional_id())
      )
    );
  comment on policy shift_channel_send on realtime.messages is
    'While a shift is active, its professional: positions by broadcast, and being there by presence.';
exception
  when insufficient_privilege then
    raise warning 'The policies of the channels shift:<id> were not made: % may not change realtime.messages.', current_user;
end
$$;

create or replace function muster.tg_shifts__close_channel() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_notify('muster_channel_rights', 'shift:' || old.id);
  return null;
end
$$;
comment on function muster.tg_shifts__close_channel() is 'Tells the realtime gateways that the rights on a shift''s channel have changed.';
revoke execute on function muster.tg_shifts__close_channel() from public;

create or replace trigger close_channel after update on public.shifts
  for each row when (old.status = 'active' and (new.status <> 'active' or new.deleted_at is not null))
  execute function muster.tg_shifts__close_channel();

grant execute on function muster.channel_shift_id() to authenticated, muster_definer;
