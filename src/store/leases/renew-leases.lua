-- KEYS lease and term of each. ARGV holder, ms, our term of each. Returns for each 1 = renewed, 0 = another has held it since.
-- One that ran out while Redis was away and that nobody took is ours again.

local answers = {}
for i = 1, #KEYS / 2 do
  local lease, term = KEYS[2 * i - 1], KEYS[2 * i]
  local holder = redis.call('GET', lease)
  if (holder and holder ~= ARGV[1]) or redis.call('GET', term) ~= ARGV[2 + i] then
    answers[i] = 0
  else
    redis.call('SET', lease, ARGV[1], 'PX', ARGV[2])
    answers[i] = 1
  end
end
return answers
