-- Background work: when each job is due, and how its last run ended. What there is to do is declared by modules (`jobs` in
-- module.ts), and run by src/platform/jobs/runner.ts.
--
-- * Who runs a job locks its row (`for update skip locked`), does the work and notes it in one transaction: a job is done once,
--   however many processes there are and whenever one of them dies.

select muster.follow_table('muster.jobs', trail => 'none');

grant select, insert, update on muster.jobs to service_role;
