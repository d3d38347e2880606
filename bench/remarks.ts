/**
 * Why a target is missed, from profiles (`perf record -a`, and parts timed in turn, call by call in one session, on the data of
 * scale 1). Shown only while it is, so that nobody has to remember to take it away.
 */
export const REMARKS: readonly { path: string; reference: string | null; text: string }[] = [
  {
    path: 'nearby, 5 km',
    reference: 'PostGraphile',
    text: 'there the one Node process is what is busy. Ours takes a fifth of its CPU time (see below), and then the cores run out: a profile of all four has 62 % in PostgreSQL, 24 % in the service, 5 % in the load and 8 % idle. The search, which either asks of the database, is the larger part, so the rate cannot grow as the service’s own time shrinks.',
  },
  {
    path: 'nearby, 5 km',
    reference: '@supabase/lite',
    text: 'as for PostGraphile: the service takes an eighth of its CPU time, and is held up by the database, whose time for a search is half of what lite’s takes.',
  },
  {
    path: 'nearby, 5 km',
    reference: 'limit',
    text: 'pgbench has all four cores for the database; here they are shared with the service, the load and the network between them. Beyond the bare statement the database looks up the caller, reads eight shifts more to be sure of the order by exact distance, and spells the rows as JSON. Of a call the walk of the spatial index is 47 %, JSON 17 %, the names of the locations 13 %, the function itself with its settings and its caller the rest. Of the service’s CPU time 18 % is in the kernel and 24 % in V8’s threads, for garbage and compilation.',
  },
  {
    path: 'nearby, 100 km, page 50',
    reference: 'page 1',
    text: 'the spatial index gives the nearest first and cannot begin in the middle. Call by call in one session page 1 takes 1.1 ms and page 50 4.8, of which the index takes 3.8 to come by the 1,000 shifts that are nearer, about 4 µs each. To ask for the ring between two distances instead, by boxes that cover it, was tried: it still takes 0.6 of the time, since the boxes of the index overlap and each visits some 16 pages. Lists, whose order an index has, begin where the last page ended.',
  },
  {
    path: 'check-in, single',
    reference: 'limit',
    text: 'the rules are not what costs: call by call in one session the bare row by its trigger takes 0.18 ms, as the caller 0.21, with an idempotency key 0.22. The rest is what a request is and a row in pgbench is not: a statement of 13 parameters and its answer, role and claims set and taken back, the key and the answer under it written and committed too. And pgbench has the four cores to itself, which here are shared with the service (see below) and the load. The profile of the database is flat: no function of it has 4 %.',
  },
  {
    path: 'check-in, batch of 1,000',
    reference: 'one statement',
    text: 'in the database alone the batch takes 66 ms and the one statement 46 (0.70, call by call in one session): items are read from JSON, known ones are looked up, and the answer of 500 KB is built and kept. The service adds some 20 ms: it checks each of 1,000 items on their way in, and 29 % of its time is the garbage of that.',
  },
  {
    path: 'check-in, batch of 1,000',
    reference: 'one by one',
    text: 'a single check-in takes one round trip already, so there is little to save: 25 times its rate is more than the one statement does, which no batch passes.',
  },
  ...['shifts of a company, page 1', 'open shifts for a guard, page 1'].map((path) => ({
    path,
    reference: 'naive',
    text: 'call by call in one session, at a tenth of the data, the statement takes 0.27 ms for a company and 0.33 for a guard, and the naive one 0.11. Who calls is looked up by the policies and by each place where a caller can have shifts, 7 to 8 µs each time, up to fifteen times; the places that are not the caller’s cost 0.08 to 0.11 ms, though they are never executed. A read is a transaction of four statements, too (begin, role and claims, the list, commit), since policies are chosen for the role that plans.',
  })),
]
