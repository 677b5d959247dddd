-- KEYS lease, token. ARGV holder, ms, our token. 1 = renewed, 0 = another has led since. A lease that ran out while
-- Redis was away and that nobody took is ours again.

local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
if not holder and redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
