-- KEYS index, then a hash for each name. ARGV 'right' or 'void'. The secret was right: the names are forgotten. The try
-- says nothing (nobody answered): it is taken back.

for i = 2, #KEYS do
  if ARGV[1] == 'right' then
    redis.call('UNLINK', KEYS[i])
    redis.call('ZREM', KEYS[1], KEYS[i])
  elseif redis.call('EXISTS', KEYS[i]) == 1 then
    local times = redis.call('HGET', KEYS[i], 'times') or ''
    redis.call('HSET', KEYS[i], 'next', '0', 'times', (string.gsub(times, ' ?%d+$', '')))
    if redis.call('HINCRBY', KEYS[i], 'wrong', -1) < 0 then redis.call('HSET', KEYS[i], 'wrong', '0') end
  end
end
return 1
