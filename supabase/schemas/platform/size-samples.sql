-- Samples of sizes: how large each table was on each day (UTC), for `npm run db:health`, which tells the growth.
--
-- * Background work takes one each day; a second one on a day changes nothing. They are kept for 400 days, so that a year can be
--   compared with the one before.
-- * Nobody's data are in them: names of tables, and bytes.

select muster.follow_table('muster.size_samples', trail => 'none');

create or replace function muster.sample_sizes() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  delete from muster.size_samples s where s.sampled_on < (now() at time zone 'UTC')::date - 400;
  with sampled as (
    insert into muster.size_samples (sampled_on, relation, bytes)
    select (now() at time zone 'UTC')::date, format('%I.%I', n.nspname, c.relname), pg_total_relation_size(c.oid)
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm') and n.nspname in ('public', 'muster')
    on conflict do nothing
    returning 1
  )
  select count(*) from sampled;
end;
comment on function muster.sample_sizes() is
  'Background work: the size of each table today. Security definer: the samples are nobody''s to write.';
grant execute on function muster.sample_sizes() to service_role, muster_jobs;

grant select, insert, delete on muster.size_samples to muster_definer;

alter function muster.sample_sizes() owner to muster_definer;
