! SPDX-FileCopyrightText: 2026 nopal developers
! SPDX-License-Identifier: BSD-3-Clause

! A model on slabs of the ranks, called from Fortran, against what the C++ interface gave on one rank.
program fortran_program
  use, intrinsic :: iso_fortran_env, only: error_unit
  use, intrinsic :: iso_c_binding, only: c_double
  use mpi_f08
  use nopal
  implicit none
  integer, parameter :: n1 = 12, n2 = 10
  real(c_double) :: x(n1, n2, 2), y(n1, n2, 3)
  real(c_double), allocatable :: mine(:, :, :), found(:, :, :)
  type(nopal_model) :: model, none
  character(len=512) :: folder
  character(len=:), allocatable :: text
  integer :: rank, ranks, first, last, in, out, step, failures

  call MPI_Init()
  call MPI_Comm_rank(MPI_COMM_WORLD, rank)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks)
  call get_command_argument(1, folder)
  call read_field(trim(folder)//'/x.bin', x)
  call read_field(trim(folder)//'/y.bin', y)
  failures = 0

  call expect(nopal_load(MPI_COMM_WORLD%mpi_val, 'no_such_file', nopal_double, none) == nopal_error_state, &
              'an error before nopal_initialise()')
  call expect(nopal_initialise() == nopal_success, 'nopal_initialise()')
  call expect(nopal_load(MPI_COMM_WORLD%mpi_val, 'no_such_file', nopal_double, none) == nopal_error_model, &
              'an error for a file that is not there')
  call expect(index(nopal_error(), 'no_such_file') > 0, 'a text with the name of the file')
  call expect(nopal_load(MPI_COMM_WORLD%mpi_val, trim(folder)//'/model.safetensors', nopal_double, model) &
              == nopal_success, 'nopal_load()')
  call expect(nopal_channels(model, in, out) == nopal_success .and. in == 2 .and. out == 3, 'channels')
  call expect(nopal_metadata(model, 'operator', text) == nopal_success .and. text == 'fno', 'metadata')
  call expect(len(nopal_version()) >= 5, 'a version')

  ! Slabs of rows, the last rank the first of them.
  first = n1*(ranks - 1 - rank)/ranks + 1
  last = n1*(ranks - rank)/ranks
  call expect(nopal_set_box(model, [n1, n2], [first, 1], [last, n2]) == nopal_success, nopal_error())
  mine = x(first:last, :, :)
  allocate (found(last - first + 1, n2, 3))
  do step = 1, 3
    found = 0
    call expect(nopal_infer(model, mine, found) == nopal_success, nopal_error())
  end do
  call expect(maxval(abs(found - y(first:last, :, :))) < 1e-12_c_double*maxval(abs(y)), &
              'the output of the C++ interface')
  call expect(nopal_infer(model, mine, x) == nopal_error_argument, 'an error for a wrong size')
  call expect(index(nopal_error(), '2 and 3 channels') > 0, 'a text with both sizes')
  call expect(nopal_destroy(model) == nopal_success, 'nopal_destroy()')
  call expect(nopal_infer(model, mine, found) == nopal_error_argument, 'an error for no model')
  call expect(nopal_finalise() == nopal_success, 'nopal_finalise()')
  call MPI_Finalize()
  if (failures > 0) error stop 1
  if (rank == 0) print '(a)', 'Fortran: passed'

contains

  subroutine read_field(path, field)
    character(len=*), intent(in) :: path
    real(c_double), intent(out) :: field(:, :, :)
    integer :: unit
    open (newunit=unit, file=path, access='stream', form='unformatted', status='old', action='read')
    read (unit) field
    close (unit)
  end subroutine read_field

  subroutine expect(holds, what)
    logical, intent(in) :: holds
    character(len=*), intent(in) :: what
    if (holds) return
    write (error_unit, '(a, i0, 2a)') 'rank ', rank, ': expected ', what
    failures = failures + 1
  end subroutine expect

end program fortran_program
