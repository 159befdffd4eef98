! SPDX-FileCopyrightText: 2026 nopal developers
! SPDX-License-Identifier: BSD-3-Clause

! A Fortran program that uses the installed module: a model, its output, an error.
program consumer_fortran
  use mpi
  use nopal
  implicit none
  type(nopal_model) :: model
  double precision :: x(12, 10, 2), y(12, 10)
  integer :: code
  logical :: good

  call MPI_Init(code)
  good = nopal_initialise() == nopal_success
  good = good .and. nopal_create(MPI_COMM_SELF, 'fno', '{"n_modes": [4, 4], "hidden_channels": 4, '// &
                                 '"in_channels": 2}', nopal_double, model) == nopal_success
  good = good .and. nopal_set_box(model, [12, 10], [1, 1], [12, 10]) == nopal_success
  x = 1
  y = 0
  good = good .and. nopal_infer(model, x, y) == nopal_success
  good = good .and. all(abs(y) < 1d3) .and. any(abs(y) > 0)
  good = good .and. nopal_infer(model, x, x) == nopal_error_argument
  good = good .and. index(nopal_error(), '2 and 1 channels') > 0
  good = good .and. nopal_destroy(model) == nopal_success
  good = good .and. nopal_finalise() == nopal_success
  call MPI_Finalize(code)
  print '(4a)', 'nopal ', nopal_version(), ' from Fortran: ', merge('passed', 'failed', good)
  if (.not. good) error stop 1
end program consumer_fortran
