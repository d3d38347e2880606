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
    text: 'of the instructions of a call in one session (callgrind, at a tenth of the data) the bare statement is 43 %, spelling its 20 rows as JSON another 27 %. Nine shifts more are read to be sure of the order by exact distance (6 %), each is asked whether the company still works for the client (6 %), and the caller is looked up (5 %). To prepare the plan for a run is 16 %, more than half of it beyond what the bare statement needs. To that come the service, whose part is that of naive, and role and claims.',
  },
  {
    path: 'nearby, 100 km, page 50',
    reference: 'page 1',
    text: 'the spatial index gives the nearest first and cannot begin in the middle. Call by call in one session page 1 takes 1.1 ms and page 50 4.8, of which the index takes 3.8 to come by the 1,000 shifts that are nearer, about 4 µs each. To ask for the ring between two distances instead, by boxes that cover it, was tried: it still takes 0.6 of the time, since the boxes of the index overlap and each visits some 16 pages. Lists, whose order an index has, begin where the last page ended.',
  },
  {
    path: 'check-in, single',
    reference: 'limit',
    text: 'of the instructions of a call in one session (callgrind) the bare row by its trigger is 54 %; to claim the idempotency key and to keep the answer under it is 27 %, and the answer, the caller and the number of pings in the minute the rest. PostgreSQL reads and plans the four check constraints of the table for each statement, which is 17 %, in both. To that come a request of HTTP, a statement of 13 parameters, role and claims: about a third of all.',
  },
  {
    path: 'check-in, batch of 1,000',
    reference: 'one statement',
    text: 'in the database the batch takes 1.15 × the instructions of the one statement (callgrind, 500 items): it judges all at once where the one statement calls the trigger for each row, and reads the items from JSON, looks for known ones and builds the answer of 500 KB. The service adds some 20 ms: it checks each of 1,000 items on their way in, and 29 % of its time is the garbage of that.',
  },
  {
    path: 'check-in, batch of 1,000',
    reference: 'one by one',
    text: 'a single check-in takes one round trip already, so there is little to save: 25 times its rate is more than the one statement does, which no batch passes.',
  },
  {
    path: 'nearby, 5 km',
    reference: 'naive',
    text: 'see the comparison with limit: naive spells its rows in the service instead of the database, asks nobody who is calling, reads 20 shifts instead of 29, and does not ask whether a company still works for a client.',
  },
  {
    path: 'nearby, 5 km, in SQL',
    reference: 'limit',
    text: 'the bare statement gives rows, and the function JSON, which alone is 0.62 of the bare statement’s instructions. The rest is in the comparison of the service with limit. Each of its parts is below 10 %.',
  },
  {
    path: 'assign',
    reference: 'limit',
    text: 'in the database an assignment takes 1.1 × the instructions of the bare update with its triggers (callgrind); the rest is the service: the request, its answer, role and claims.',
  },
  ...['shifts of a company, page 1', 'open shifts for a guard, page 1'].map((path) => ({
    path,
    reference: 'naive',
    text: 'call by call in one session, at a tenth of the data, the statement takes 0.27 ms for a company and 0.33 for a guard, and the naive one 0.11. Who calls is looked up by the policies and by each place where a caller can have shifts, 7 to 8 µs each time, up to fifteen times; the places that are not the caller’s cost 0.08 to 0.11 ms, though they are never executed. A read is a transaction of four statements, too (begin, role and claims, the list, commit), since policies are chosen for the role that plans.',
  })),
]
