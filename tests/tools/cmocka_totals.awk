# SPDX-License-Identifier: MIT
# Sums the cmocka tests in a ctest log (Testing/Temporary/LastTest.log) as one line,
#
#     N passed, N failed, N skipped
#
# and exits 1 where a test failed or none ran. A test that was announced and reported neither success
# nor a skip has failed, so a program that crashes fails all that it left undone. A program that
# ctest calls failed has at least one failure, be it a leak found at its exit or a time-out.

function close_program()
{
    if (!in_program)
        return
    undone = announced - ok - skip
    if (undone <= 0)
        undone = ctest_passed ? 0 : 1
    passed += ok
    skipped += skip
    failed += undone
    in_program = 0
}

!in_output && /^[0-9]+\/[0-9]+ Testing: / {
    close_program()
    in_program = 1
    in_group = announced = ok = skip = ctest_passed = 0
}
/^Output:$/ { in_output = 1 }
/<end of output>$/ { in_output = in_group = 0 }
!in_output && /^Test Passed\.$/ { ctest_passed = 1 }

in_output && match($0, /\[==========\] Running [0-9]+ test/) {
    announced += substr($0, RSTART + 21, RLENGTH - 26)
    in_group = 1
}
in_group && /\[==========\] [0-9]+ test\(s\) run/ { in_group = 0 } # what follows lists again
in_group && /\[       OK \] / { ok++ }
in_group && /\[  SKIPPED \] / { skip++ }

END {
    close_program()
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed > 0 || passed == 0
}
