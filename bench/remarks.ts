/**
 * Why a target is missed, from profiles. Shown only while it is, so that nobody has to remember to take it away.
 */
export const REMARKS: readonly { path: string; reference: string | null; text: string }[] = [
  {
    path: 'nearby, 5 km',
    reference: 'limit',
    text: 'one API process is what is busy. A profile of it shows over half of its time in the kernel, writing to two sockets (the statement to the database, 12 KB of answer to the client); pgbench reads the answer and does nothing with it. A second process doubles the rate.',
  },
  {
    path: 'nearby, 5 km',
    reference: 'naive',
    text: 'the naive route leaves spelling the rows as JSON to its own process, ours to the database, so ours does more where the cores are shared with the database.',
  },
  {
    path: 'nearby, 100 km, page 50',
    reference: 'page 1',
    text: 'the spatial index gives the nearest first and cannot begin in the middle. For page 50 it comes by the 1,000 shifts that are nearer, at about 4 µs each (reading the row and its distance), and leaves them. No index of PostgreSQL is ordered by the distance from anywhere; lists, whose order an index has, begin where the last page ended.',
  },
  {
    path: 'check-in, single',
    reference: 'limit',
    text: 'measured with one client on a busy machine, the bare row takes the database 0.22 ms, as the caller 0.39 (role and claims, policies, who the guard is, the answer), with an idempotency key 0.50 (claiming it, keeping the answer). The API adds one round trip and little else: half of its time is in writing to two sockets. Database, API and load share the cores of one machine.',
  },
  {
    path: 'check-in, batch of 1,000',
    reference: 'one statement',
    text: 'the rows themselves, with trigger, indexes and foreign keys, are what the one statement takes. Beyond it each row’s trigger asks who the caller is (11 µs), which the bare statement of a superuser need not; the items are parsed twice, looked up and judged by policies (8 ms); and the answer has 500 KB of JSON (12 ms), which the API reads, checks and spells again (another 20 ms of its own).',
  },
  {
    path: 'check-in, batch of 1,000',
    reference: 'one by one',
    text: 'a single check-in takes one round trip, so there is less to save: it was five when the target was set.',
  },
]
