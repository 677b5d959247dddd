-- KEYS lanes, total, dead, the letter's lane. ARGV lane, dead id, text, lane max, room of the shard. Puts a dead letter at
-- the end of the lane, past the dedupe window. Returns the lane's length, -1 = full, false = there is no such dead letter
-- any more.

if #redis.call('XRANGE', KEYS[3], ARGV[2], ARGV[2]) == 0 then return false end
local length = redis.call('LLEN', KEYS[4])
if length >= tonumber(ARGV[4]) or tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[5]) then return -1 end
redis.call('RPUSH', KEYS[4], ARGV[3])
redis.call('ZADD', KEYS[1], 0, ARGV[1])
redis.call('INCRBY', KEYS[2], 1)
redis.call('XDEL', KEYS[3], ARGV[2])
return length + 1
