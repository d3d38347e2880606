-- Who executes: functions are born executable by everybody; only what is granted by name stays.
--
-- * The last of the files, so that it reaches the functions of all the others.

revoke execute on all functions in schema muster from public;
