-- KEYS lease, version, count of shards, old version, then what is left of layout 2 and empty. ARGV holder, ms, version, shards, who holds the old lease from
-- now on. The migration is complete: programs that know layout 2 only are kept away, those that wait for its lease wait for
-- ever. Returns 1, or 'STALE' when another process migrates.

--- @include "lib/under-lease.lua"

if not isOurs() then return 'STALE' end
redis.call('SET', KEYS[2], ARGV[3])
redis.call('SET', KEYS[3], ARGV[4])
redis.call('SET', KEYS[4], ARGV[3])
for i = 5, #KEYS do redis.call('DEL', KEYS[i]) end
redis.call('SET', KEYS[1], ARGV[5])
return 1
