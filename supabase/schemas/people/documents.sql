-- Documents: that somebody's paper ends is told in time, the same way in each trade.
--
-- * Each trade has its own table of papers, and its rules on it: what counts, who verifies, what rests on one, whom it concerns.
-- * muster.expiring_documents_of_<module>(first_day, last_day) gives what ends in these days (inclusive): a row for each user who is to
--   be told, with the type and the data of the notification.
-- * 30, 7 and 1 days before: `days` in the data says which. A day on which nothing ran is made up for, by the nearest of the three.
-- * Told once for each document, last day and step: `once_key`. A document that is renewed is another one in this sense.

create or replace function muster.warn_of_expiring_documents(module text) returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  steps constant integer[] := array[30, 7, 1];
  today constant date := (now() at time zone 'UTC')::date;
  told bigint;
begin
  execute format(
    $tell$
      with told as (
        insert into public.notifications (tenant_id, user_id, type, data, once_key)
        select e.tenant_id, e.user_id, e.type, e.data || jsonb_build_object('days', w.days),
          concat_ws(' ', e.type, e.document_id, e.expires_on, w.days)
        from muster.%I($1, $1 + $3) e
        cross join lateral (select min(s.days) as days from unnest($2) as s (days) where e.expires_on - $1 <= s.days) w
        on conflict (user_id, once_key) where once_key is not null do nothing
        returning 1
      )
      select count(*) from told
    $tell$,
    'expiring_documents_of_' || module
  ) into told using today, steps, steps[1];
  return told;
end
$$;
comment on function muster.warn_of_expiring_documents(text) is
  'Tells of the documents of a module that end 30, 7 or 1 days from now, each step once. For the background work of the module.';
grant execute on function muster.warn_of_expiring_documents(text) to muster_definer;
