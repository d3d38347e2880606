-- Background work: when each job is due, and how its last run ended. What there is to do is declared by modules (`jobs` in
-- module.ts), and run by src/platform/jobs/runner.ts.
--
-- * Who runs a job locks its row (`for update skip locked`), does the work and notes it in one transaction: a job is done once,
--   however many processes there are and whenever one of them dies.
-- * It acts as `muster_jobs`, which may keep these rows and call the functions that are granted to it: the file of a job's function
--   grants it. (`service_role` had these rights before, and processes of the release before still use them.)

select muster.follow_table('muster.jobs', trail => 'none');

drop policy if exists run on muster.jobs;
create policy run on muster.jobs for all to muster_jobs using (true) with check (true);
comment on policy run on muster.jobs is 'Whoever runs jobs keeps how all of them stand.';

grant select, insert, update on muster.jobs to service_role, muster_jobs;
