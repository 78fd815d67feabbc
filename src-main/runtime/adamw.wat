;; AdamW and the squared norm over flat float32 arrays in one memory; addresses in bytes, counts in floats, multiples of 4.
;; Decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2):
;;   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;  w = w (1 - lr decay) - step m / (sqrt(v) * root + eps)
;; with g scaled for clipping, step = lr / (1 - beta1^t) and root = 1 / sqrt(1 - beta2^t).
(module
  (import "host" "memory" (memory 1 65536))

  (func (export "sumOfSquares") (param $x i32) (param $count i32) (result f64)
    (local $low v128) (local $high v128) (local $four v128)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $four (v128.load (local.get $x)))
        (local.set $low (f64x2.add (local.get $low)
          (f64x2.mul (f64x2.promote_low_f32x4 (local.get $four)) (f64x2.promote_low_f32x4 (local.get $four)))))
        (local.set $four (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $four) (local.get $four)))
        (local.set $high (f64x2.add (local.get $high)
          (f64x2.mul (f64x2.promote_low_f32x4 (local.get $four)) (f64x2.promote_low_f32x4 (local.get $four)))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 4)))
        (br $next)))
    (local.set $low (f64x2.add (local.get $low) (local.get $high)))
    (f64.add (f64x2.extract_lane 0 (local.get $low)) (f64x2.extract_lane 1 (local.get $low))))

  (func (export "adamw")
    (param $w i32) (param $m i32) (param $v i32) (param $g i32) (param $count i32)
    (param $scale f32) (param $beta1 f32) (param $rest1 f32) (param $beta2 f32) (param $rest2 f32)
    (param $keep f32) (param $step f32) (param $root f32) (param $eps f32)
    (local $gradient v128) (local $first v128) (local $second v128)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $gradient (f32x4.mul (v128.load (local.get $g)) (f32x4.splat (local.get $scale))))
        (local.set $first (f32x4.add
          (f32x4.mul (v128.load (local.get $m)) (f32x4.splat (local.get $beta1)))
          (f32x4.mul (local.get $gradient) (f32x4.splat (local.get $rest1)))))
        (v128.store (local.get $m) (local.get $first))
        (local.set $second (f32x4.add
          (f32x4.mul (v128.load (local.get $v)) (f32x4.splat (local.get $beta2)))
          (f32x4.mul (f32x4.mul (local.get $gradient) (local.get $gradient)) (f32x4.splat (local.get $rest2)))))
        (v128.store (local.get $v) (local.get $second))
        (v128.store (local.get $w) (f32x4.sub
          (f32x4.mul (v128.load (local.get $w)) (f32x4.splat (local.get $keep)))
          (f32x4.div
            (f32x4.mul (local.get $first) (f32x4.splat (local.get $step)))
            (f32x4.add (f32x4.mul (f32x4.sqrt (local.get $second)) (f32x4.splat (local.get $root))) (f32x4.splat (local.get $eps))))))
        (local.set $w (i32.add (local.get $w) (i32.const 16)))
        (local.set $m (i32.add (local.get $m) (i32.const 16)))
        (local.set $v (i32.add (local.get $v) (i32.const 16)))
        (local.set $g (i32.add (local.get $g) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 4)))
        (br $next)))))
